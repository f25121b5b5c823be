"""What a run has found: as JSON, as a page, against another run.

model          the report; what stands in the JSON file
"""
