"""The sub-commands that do from a shell what the console does on its screens; a file is a subject. No Textual here."""
