"""What operators are answered, by subject: each function takes the desk and one operation."""
