"""Classifier (问题分类): sorts petitions, says why and how sure, finds incidents."""
