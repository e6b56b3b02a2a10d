"""What writes the parts of the guide that come from the program: tables and transcripts.

python -m tests.guide            writes settings.md, codes.md and all transcripts anew
python -m tests.guide --pages    writes commands.md, settings.md and codes.md alone
"""
