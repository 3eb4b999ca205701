"""Studies: many variants of one configuration, several seeds each, and what may be said of them.

==============  ==============================================================================
module          holds
==============  ==============================================================================
``shipped``     the studies that come with the package, one YAML file each
``study``       a study and its variants
``plan``        from a study file to a checked study
``folder``      a study on disk: what was asked for, where each run lies, what failed
``run``         runs what a study lacks, in several processes at a time
``queue``       what is free to be done, whoever else is at work on the folder
``failures``    what failed, a file each
``job``         something to do for a variant, claimed by whoever does it
``worker``      the jobs there are, and what a process does with them
``conditions``  a trained model tested with modalities missing
``costs``       time, memory and parameters of every variant, measured alone
``record``      a study folder, read for the report
``titles``      what variants are called in front of readers
``differences`` the tables of differences to the reference
``report``      tables and figures
==============  ==============================================================================
"""
