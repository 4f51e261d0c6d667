"""Names of exceptions that no student has chosen, so that a page for the class can show them."""

import builtins

__all__ = ["KNOWN", "LIBRARIES"]

LIBRARIES = {
    "asyncio": ("CancelledError", "InvalidStateError"),
    "cluster": ("ClusterError",),
    "concurrent": ("BrokenExecutor", "BrokenProcessPool"),
    "dask": ("TokenizationError",),
    "distributed": (
        "ClosedClientError",
        "CommClosedError",
        "FutureCancelledError",
        "FuturesCancelledError",
        "KilledWorker",
        "NoValidWorkerError",
        "NoWorkerError",
        "Reschedule",
        "WorkerStartTimeoutError",
    ),
    "joblib": ("TerminatedWorkerError",),
    "json": ("JSONDecodeError",),
    "numpy": ("AxisError", "DTypePromotionError", "LinAlgError", "UFuncTypeError"),
    "pandas": (
        "DataError",
        "DuplicateLabelError",
        "EmptyDataError",
        "IndexingError",
        "IntCastingNaNError",
        "InvalidIndexError",
        "MergeError",
        "OutOfBoundsDatetime",
        "ParserError",
        "UndefinedVariableError",
    ),
    "pyarrow": ("ArrowInvalid", "ArrowKeyError", "ArrowNotImplementedError", "ArrowTypeError"),
    "sklearn": ("InvalidParameterError", "NotFittedError", "UnsetMetadataPassedError"),
    "subprocess": ("CalledProcessError", "TimeoutExpired"),
    "xgboost": ("XGBoostError",),
}
"""By package: what a submission can raise with it, of Python's own packages and the pinned ones."""

KNOWN = frozenset(
    name
    for name, kind in vars(builtins).items()
    if isinstance(kind, type) and issubclass(kind, BaseException)
).union(*LIBRARIES.values())
