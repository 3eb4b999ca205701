"""How work is run: in processes that may die, in folders that one process holds at a time.

``work``       what a worker does with an item, and what is heard of it
``workers``    what every way of running it offers
``engines``    these ways by name
``processes``  workers as processes of this machine
``ray_actors`` workers as actors of a Ray cluster
``spawned``    one process of our own and the line to it
``claim``      a folder for one process at a time
"""
