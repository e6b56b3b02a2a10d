"""What is around the processes of a morning: gateways, the service of GUIDs, and the wire to them.

It is written from the gateway's documents and knows nothing of bulkagent but what a transport has
to give back.
"""
