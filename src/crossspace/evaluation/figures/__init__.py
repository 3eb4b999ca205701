"""The figures of a report, one file each; every function returns a matplotlib ``Figure``.

=================  =====================================================================
module             draws
=================  =====================================================================
``style``          the common look, and :func:`~.style.svg` with :func:`~.style.inline`
``palette``        colours of emotions, and colour and dash of lines
``matrix``         the confusion matrix, alone or several side by side
``training``       losses, gamma and gradient cosines over steps; validation by epoch
``calibration``    the reliability diagram
``timeline``       an example conversation, one lane per speaker
``bars``           scores of variants with intervals, seeds and published figures
``intervals``      differences between variants and a reference
``heat``           a score over a grid of two arguments
``degradation``    a score over the share of utterances that miss a modality
``bands``          losses of several variants over training
=================  =====================================================================
"""
