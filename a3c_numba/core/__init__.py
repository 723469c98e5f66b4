"""The whole paper: parameters, layers, methods, optimisers, rollout and worker; knows no process and no file."""
