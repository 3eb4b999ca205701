"""What this installation has, what it lacks, and what that means.

``requirements``  the libraries that crossspace and its extras ask for, and which of them are there
``features``      what needs which extra
``imports``       libraries imported in a process that may die of it
``probe``         that process
``machine``       interpreter, system, processor, environment, text
``places``        caches and disks
``examination``   all of it, whatever fails
``report``        the same to be read
"""
