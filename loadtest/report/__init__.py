"""What a run has found: as JSON, as a page, against another run.

model          the report; what stands in the JSON file
names          what the names of figures mean
table          a report in the terminal
compare        two reports against each other
page           a report as one HTML file; page/ has its styles and scripts
  verdict        its parts: whether it holds,
  key_figures    the figures that one looks for first,
  figure_table   all of them,
  setup          how to repeat it
  markup         text that becomes HTML, and HTML that stays so
plots          what is drawn
  over_time      second by second
  distributions  by percentile, as spectrum reads it from histograms
  plot           what a plot is
flat           nested tables as one list
picture        single plots, for documents
"""
