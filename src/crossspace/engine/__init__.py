"""How work is run: in processes that may die, in folders that one process holds at a time.

``work``       what a worker does with an item, and what is heard of it
``processes``  workers as processes of this machine
``spawned``    one process of our own and the line to it
``claim``      a folder for one process at a time
"""
