"""The noise study: errors of feature maps, and what a classifier makes of them, over a sweep."""
