"""The compilation study: what circuits cost, and what general compilers make of them."""
