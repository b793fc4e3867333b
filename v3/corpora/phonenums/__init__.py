"""PhoneNums: pages of ten digits in one colour."""
