"""How work is run: in processes that may die, in folders that one process holds at a time.

``work``        what a worker does with an item, and what is heard of it
``workers``     what every way of running it offers
``engines``     these ways by name
``processes``   workers as processes of this machine
``ray_actors``  workers as actors of a Ray cluster
``ray_cluster`` that cluster, begun or joined
``ray_remains`` what is left of one that was begun goes with it
``ray_worker``  what lives in such an actor
``spawned``     one process of our own and the line to it
``claim``       a folder for one process at a time
"""
