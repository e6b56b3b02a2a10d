"""Files and folders: writing whole files, special files, the folders of the user.

What may live here: what a file system does, and how bulkagent stays safe in it. What this folder
must not know: the content of a file, and its reader.
"""
