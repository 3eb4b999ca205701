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
``dots``           scores of several variants with intervals
``intervals``      differences to a reference with intervals
``heat``           a score over a grid of two arguments
``degradation``    a score when more and more utterances miss a modality
``bands``          losses of several variants over steps
=================  =====================================================================
"""
