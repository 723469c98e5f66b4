"""Ten exercises: files with blanks for a learner to fill in, and a grader that holds them against the real kernels.

    menu.py             the exercises, in the order in which they teach
    grader.py           a learner's file against every case; learner_file.py runs it, diagnosis.py guesses at mistakes
    *_cases.py          inputs, and what the package's own kernels and objects make of them
    blanks/             the files as a learner gets them
    solutions/          the same files without blanks, which no command shows

cli/exercises.py lists them, hands them out and has them graded.
"""
