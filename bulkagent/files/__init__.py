"""Files and folders: writing whole files, special files, the folders of the user.

What may live here: what a file system does, and how bulkagent stays safe in it. What this folder
must not know: what is in a file, and who wants it.
"""
