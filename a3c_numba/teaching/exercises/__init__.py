"""Ten exercises: files with blanks for a learner to fill in, and a grader that compares them with the real kernels.

    menu.py             the exercises, in teaching order; cuts the learner's file from the solution
    solutions/          the files, solved; markers say what is left out for a learner
    grader.py           compares a learner's file with every case; learner_file.py runs it, diagnosis.py guesses at
                        mistakes
    *_cases.py          inputs, and the answers of the package's own kernels and objects

cli/exercises.py lists the exercises, writes the files and prints the grades.
"""
