"""From predictions to numbers, figures and a report.

==================  ==========================================================================
module              holds
==================  ==========================================================================
``scores``          accuracy, F1, unweighted average recall, per class figures, by scikit-learn
``confusion``       the same metrics from confusion matrices, many matrices at once
``bootstrap``       95 % intervals, resampled by conversation and seed
``comparison``      two models: difference, interval and p-value that agree, seeds needed
``moderation``      variances of few values each, made steadier by all of them
``oscillation``     how much a loss jumps about its own course
``table``           one table as Markdown, LaTeX and CSV
``rendering``       templates, and how numbers are written in them
``calibration``     reliability curve, expected calibration error, Brier score
``aggregate``       a prediction table of several seeds to the content of ``results.json``
``record``          a run folder as it was written, checked
``curves``          logged values of several seeds to mean and spread over steps
``captions``        how objectives and metrics are called in front of readers
``example``         the conversation that a report shows
``figures``         one figure per file, as matplotlib figures and as SVG
``remarks``         what is remarkable about results: gaps, emotions that training never shows
``repeating``       the command that trains a run again
``report``          ``report.html``, ``report.md`` and ``figures/*.svg`` of a run folder
==================  ==========================================================================

Nothing is imported here, so that scoring during training does not load matplotlib.
"""
