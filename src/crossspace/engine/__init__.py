"""How work is run: in processes that may die, on several machines, in folders that one process holds at a time.

==================  ==========================================================================
module              holds
==================  ==========================================================================
``work``            what a worker does with an item, and what is heard of it
``workers``         what every way of running it offers
``engines``         these ways by name
``processes``       workers as processes of this machine
``spawned``         one process of our own and the line to it
``ray_actors``      workers as actors of a Ray cluster, with ``ray_cluster``, ``ray_worker`` and ``ray_remains``
``perform``         items done one after the other, wherever
``parts``           the parts of a file, and what they are called
``shard``           independent processes that share the parts
``making``          parts made on any engine
``claim``           a folder for one process at a time, with ``lock``, ``owner``, ``beating`` and ``watch``
``progress``        how far work is
==================  ==========================================================================
"""
