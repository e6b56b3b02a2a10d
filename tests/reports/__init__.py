"""What the report room promises: the files that people and programs are left with."""
