"""One `inv` call: its tasks, what they share, what they write, print and wait for.

task.py      a recipe becomes an Invoke task; flags.py: what its flags mean; running.py: how it is called
context.py   what the tasks of a call share: options, facts, the view of a dry run, the doors opened
ensure.py    the one rule every write goes through; wait.py: the one loop that waits
plan.py      what a dry call notes of its steps, and the real one is held against; plan_file.py: its file
report.py    the one way out; texts.py: what people read; mistakes.py: what invoke cannot read; notices.py: who is told
programs.py  children; urls.py: addresses of others; parallel.py: reads side by side
"""
