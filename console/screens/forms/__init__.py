"""What is filled in to create or change something: the fields, and the operations they become."""
