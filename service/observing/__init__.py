"""What the server tells of itself: logs, an audit trail, metrics, traces, and whether it is ready.

None of it holds text of documents, questions or files' names.
"""
