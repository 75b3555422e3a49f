# Upper p-values of farringtonFlexible with the improved settings of Noufaily et al. 2013.
#
# usage: Rscript farrington.R COUNTS.csv FIRST YEARS OUT.csv
# COUNTS.csv: one series per column, one week per row, no header; FIRST: first week scored, from 1 on.
suppressPackageStartupMessages(library(surveillance))
arguments <- commandArgs(trailingOnly = TRUE)
counts <- as.matrix(read.csv(arguments[1], header = FALSE))
first <- as.integer(arguments[2])
years <- as.integer(arguments[3])
control <- list(
  range = first:nrow(counts), b = years, w = 3, noPeriods = 10, pastWeeksNotIncluded = 26,
  reweight = TRUE, weightsThreshold = 2.58, trend = TRUE, pThresholdTrend = 1,
  thresholdMethod = "nbPlugin", alpha = 0.01, limit54 = c(0, 4)
)
values <- sapply(seq_len(ncol(counts)), function(series) {
  weeks <- sts(counts[, series], start = c(2000, 1), frequency = 52)
  suppressWarnings(as.numeric(farringtonFlexible(weeks, control)@control$pvalue))
})
write.table(values, arguments[4], sep = ",", row.names = FALSE, col.names = FALSE)
