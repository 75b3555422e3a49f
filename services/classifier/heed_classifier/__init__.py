"""Classifier (问题分类): sorts petitions, says why and how sure it is, groups those on one matter."""
