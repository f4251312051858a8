"""The study of docs/study.md: which cells there are, how they run, and the tables made of them."""
