"""Training on several machines: nodes that exchange what they learned through a parameter server.

Reading order: messages, parameter_server and exchanger (the rule), node (a machine's trainer), simulation; then what
Ray is needed for, settings, engine, supervisor and trainer.  Nothing here imports Ray before a run asks for it.
"""
