"""The benchmark: the job against what one would write by hand, each a whole process, start included."""
