"""The five grades of the international clinical diabetic retinopathy scale, and how often EyePACS has them."""

from __future__ import annotations

#: Names in the order of the grades 0 to 4.
CLASSES = ("0 no DR", "1 mild", "2 moderate", "3 severe", "4 proliferative")
#: What the label columns of the published tables hold.
LABELS = {str(grade): grade for grade in range(len(CLASSES))}
#: Images of each grade in the training set of EyePACS (Kaggle 2015), 35,126 in all.
EYEPACS_COUNTS = (25_810, 2_443, 5_292, 873, 708)
