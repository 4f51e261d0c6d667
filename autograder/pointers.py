"""The documentation that cards point to: for each title its address, and what it explains.

A mistake names what to read by a title, which stands in its rule or in ``exercise.toml``. Here are
all addresses, those of the reading lists in the notebooks included. Where a project keeps the
documentation of every version, it is that of the version in ``requirements.lock``; the others (Dask
and its family, joblib, SLURM, NCI) have one page for the current version. A title that is not here
is shown as text.
"""

from dataclasses import dataclass

__all__ = ["NUMPY", "POINTERS", "SCIKIT_LEARN", "XGBOOST", "Pointer", "pointers"]

_DASK = "https://docs.dask.org/en/stable"
_DISTRIBUTED = "https://distributed.dask.org/en/stable"
_DASK_ML = "https://ml.dask.org"
_JOBQUEUE = "https://jobqueue.dask.org/en/stable"
_JOBLIB = "https://joblib.readthedocs.io/en/stable"
SCIKIT_LEARN = "https://scikit-learn.org/1.9"
"""With the pinned version."""
_PANDAS = "https://pandas.pydata.org/docs"
XGBOOST = "https://xgboost.readthedocs.io/en/release_3.2.0"
"""Likewise."""
NUMPY = "https://numpy.org/doc/2.4"
"""Likewise."""
_PYTHON = "https://docs.python.org/3"


@dataclass(frozen=True, slots=True)
class Pointer:
    """A page, or a section of one."""

    title: str
    """Project, page and section, as people find them."""
    address: str
    """Empty if unknown."""
    explains: str = ""


_TABLE = (
    (
        "Dask: Delayed",
        f"{_DASK}/delayed.html",
        "calls that are noted down, and what to do with their results",
    ),
    (
        "Dask: Chunks",
        f"{_DASK}/array-chunks.html",
        "how an array is cut into chunks, and how large they should be",
    ),
    (
        "Dask: Chunks, section Unknown Chunks",
        f"{_DASK}/array-chunks.html#unknown-chunks",
        "arrays whose chunks have no known length",
    ),
    (
        "Dask: Best Practices, section Avoid calling compute repeatedly",
        f"{_DASK}/best-practices.html#avoid-calling-compute-repeatedly",
        "asking for several results at once",
    ),
    (
        "Dask: Best Practices, section Avoid Very Large Graphs",
        f"{_DASK}/best-practices.html#avoid-very-large-graphs",
        "what each task costs, and how to have fewer",
    ),
    (
        "Dask: Best Practices, section Load Data with Dask",
        f"{_DASK}/best-practices.html#load-data-with-dask",
        "why the workers, not the client, should load the data",
    ),
    (
        "Dask: Best Practices, section Persist When You Can",
        f"{_DASK}/best-practices.html#persist-when-you-can",
        "keeping what is used again on the workers",
    ),
    (
        "Dask: Best Practices, section Processes and Threads",
        f"{_DASK}/best-practices.html#processes-and-threads",
        "how to split cores into processes and threads",
    ),
    (
        "Dask Array: Best Practices, section Avoid Oversubscribing Threads",
        f"{_DASK}/array-best-practices.html#avoid-oversubscribing-threads",
        "one thread per task for BLAS and OpenMP",
    ),
    (
        "Dask Array: bincount",
        f"{_DASK}/generated/dask.array.bincount.html",
        "counting how often each whole number occurs",
    ),
    (
        "Dask Array: map_blocks",
        f"{_DASK}/generated/dask.array.map_blocks.html",
        "dtype=, drop_axis= and the other things that Dask cannot guess",
    ),
    (
        "Dask: Dask DataFrames Best Practices",
        f"{_DASK}/dataframe-best-practices.html",
        "sizes of partitions, and when pandas is enough",
    ),
    (
        "Dask: Joins",
        f"{_DASK}/dataframe-joins.html",
        "which joins move the large table, and which do not",
    ),
    (
        "Dask: Shuffling Performance",
        f"{_DASK}/dataframe-groupby.html",
        "which groupbys and joins have to move all rows",
    ),
    (
        "Dask: Shuffling Performance, section Aggregate",
        f"{_DASK}/dataframe-groupby.html#aggregate",
        "how groups are put together from partial results",
    ),
    (
        "Dask: dask.dataframe.from_map",
        f"{_DASK}/generated/dask.dataframe.from_map.html",
        "a partition from each call of a function",
    ),
    (
        "pandas, User Guide: Indexing and selecting data",
        f"{_PANDAS}/user_guide/indexing.html",
        "rows by label and by position",
    ),
    (
        "pandas, User Guide: Merge, join, concatenate and compare",
        f"{_PANDAS}/user_guide/merging.html",
        "which rows a join keeps",
    ),
    (
        "pandas, User Guide: Working with missing data",
        f"{_PANDAS}/user_guide/missing_data.html",
        "what sums and means do with missing values, and how to fill them",
    ),
    (
        "Dask Array: linalg.svd",
        f"{_DASK}/generated/dask.array.linalg.svd.html",
        "the singular value decomposition, and the form of what it returns",
    ),
    (
        "Dask Array: linalg.svd_compressed",
        f"{_DASK}/generated/dask.array.linalg.svd_compressed.html",
        "random projection, with its power iterations",
    ),
    (
        "Dask Array: linalg.tsqr",
        f"{_DASK}/generated/dask.array.linalg.tsqr.html",
        "QR of a tall and skinny matrix, block by block",
    ),
    (
        "Dask: Scheduling",
        f"{_DASK}/scheduling.html",
        "which scheduler runs a computation, and how to choose it",
    ),
    (
        "Dask: Understanding Performance",
        f"{_DASK}/understanding-performance.html",
        "what limits a parallel program",
    ),
    (
        "Dask: User Interfaces, section Laziness and Computing",
        f"{_DASK}/user-interfaces.html#laziness-and-computing",
        "what is lazy, and when it is computed",
    ),
    (
        "Dask: Futures",
        f"{_DASK}/futures.html",
        "submit, as_completed, retries and errors of single tasks",
    ),
    (
        "Dask: Futures, section Coordination Primitives",
        f"{_DASK}/futures.html#coordination-primitives",
        "locks, queues and variables shared by tasks",
    ),
    (
        "Dask: API of dask.utils.parse_bytes",
        f"{_DASK}/api.html",
        "how Dask reads sizes with units",
    ),
    (
        "Dask.distributed: Client",
        f"{_DISTRIBUTED}/client.html",
        "the client of a cluster",
    ),
    (
        "Dask.distributed: Data Locality",
        f"{_DISTRIBUTED}/locality.html",
        "where tasks run, and how data decide about it",
    ),
    (
        "Dask.distributed: Resilience",
        f"{_DISTRIBUTED}/resilience.html",
        "what happens to tasks and results when a process dies",
    ),
    (
        "Dask.distributed: Managing Memory",
        f"{_DISTRIBUTED}/memory.html",
        "how long a result stays on the workers",
    ),
    (
        "Dask.distributed: Managing Memory, section Persisting Collections",
        f"{_DISTRIBUTED}/memory.html#persisting-collections",
        "how long a persisted collection stays on the workers",
    ),
    (
        "Dask.distributed: Worker Memory Management",
        f"{_DISTRIBUTED}/worker-memory.html",
        "when a worker spills, pauses and is restarted",
    ),
    (
        "Dask.distributed: Diagnosing Performance",
        f"{_DISTRIBUTED}/diagnosing-performance.html",
        "the task stream, the profiler and performance reports",
    ),
    (
        "Dask-ML: Incremental Meta-estimator",
        f"{_DASK_ML}/incremental.html",
        "partial_fit on one block after the other",
    ),
    (
        "Dask-ML: KMeans",
        f"{_DASK_ML}/modules/generated/dask_ml.cluster.KMeans.html",
        "k-means on a Dask array, with its parameters",
    ),
    (
        "Dask-ML: ParallelPostFit",
        f"{_DASK_ML}/modules/generated/dask_ml.wrappers.ParallelPostFit.html",
        "predicting and scoring chunk by chunk",
    ),
    (
        "Dask-ML: Preprocessing",
        f"{_DASK_ML}/preprocessing.html",
        "scalers and encoders for Dask collections",
    ),
    (
        "Dask-ML: Scikit-Learn & Joblib",
        f"{_DASK_ML}/joblib.html",
        "scikit-learn's own parallelism on a Dask cluster",
    ),
    (
        "Dask-Jobqueue: Example Deployments, and PBSCluster",
        f"{_JOBQUEUE}/clusters-configuration-examples.html",
        "arguments that work at some sites",
    ),
    (
        "Dask-Jobqueue: How this works, Workers vs Jobs",
        f"{_JOBQUEUE}/clusters-howitworks.html#workers-vs-jobs",
        "how many workers a job starts",
    ),
    (
        "Dask-Jobqueue: PBSCluster and SLURMCluster",
        f"{_JOBQUEUE}/clusters-api.html",
        "every argument of the cluster classes",
    ),
    (
        "joblib: Parallel, parameter pre_dispatch",
        f"{_JOBLIB}/generated/joblib.Parallel.html",
        "how many tasks are sent ahead",
    ),
    (
        "joblib: parallel_config",
        f"{_JOBLIB}/generated/joblib.parallel_config.html",
        "choosing the backend for all that runs inside the with",
    ),
    (
        "scikit-learn: Common pitfalls and recommended practices",
        f"{SCIKIT_LEARN}/common_pitfalls.html",
        "what makes scores too good to be true",
    ),
    (
        "scikit-learn: Common pitfalls and recommended practices, section Data leakage",
        f"{SCIKIT_LEARN}/common_pitfalls.html#data-leakage",
        "test data that had a part in the training",
    ),
    (
        "scikit-learn: Common pitfalls, section Controlling randomness",
        f"{SCIKIT_LEARN}/common_pitfalls.html#controlling-randomness",
        "what random_state fixes",
    ),
    (
        "scikit-learn: Cross-validation",
        f"{SCIKIT_LEARN}/modules/cross_validation.html",
        "training and test parts, fold by fold",
    ),
    (
        "scikit-learn: Cross-validation, section Cross validation iterators with stratification",
        f"{SCIKIT_LEARN}/modules/cross_validation.html#stratification",
        "folds in which every class has its share",
    ),
    (
        "scikit-learn: Getting Started",
        f"{SCIKIT_LEARN}/getting_started.html",
        "what fit and predict do, and how steps make a pipeline",
    ),
    (
        "scikit-learn: GridSearchCV",
        f"{SCIKIT_LEARN}/modules/generated/sklearn.model_selection.GridSearchCV.html",
        "the parameters of a search and what it returns",
    ),
    (
        "scikit-learn: Metrics and scoring",
        f"{SCIKIT_LEARN}/modules/model_evaluation.html",
        "which score measures what",
    ),
    (
        "scikit-learn, User Guide: Metrics and scoring",
        f"{SCIKIT_LEARN}/modules/model_evaluation.html",
        "which score measures what",
    ),
    (
        "scikit-learn: Pipelines and composite estimators",
        f"{SCIKIT_LEARN}/modules/compose.html",
        "steps, their names and their settings",
    ),
    (
        "scikit-learn: SGDClassifier",
        f"{SCIKIT_LEARN}/modules/generated/sklearn.linear_model.SGDClassifier.html",
        "its parameters, tol and max_iter among them",
    ),
    (
        "scikit-learn, User Guide: Preprocessing data",
        f"{SCIKIT_LEARN}/modules/preprocessing.html",
        "standardising and scaling",
    ),
    (
        "scikit-learn, User Guide: Stochastic Gradient Descent, section Tips on Practical Use",
        f"{SCIKIT_LEARN}/modules/sgd.html#tips-on-practical-use",
        "scaled features and the choice of a loss",
    ),
    (
        "scikit-learn, User Guide: Strategies to scale computationally, section Incremental "
        "learning",
        f"{SCIKIT_LEARN}/computing/scaling_strategies.html#incremental-learning",
        "learning from one part of the data after the other",
    ),
    (
        "NumPy: the absolute basics for beginners",
        f"{NUMPY}/user/absolute_beginners.html",
        "slices, axes and what is done to all elements at once",
    ),
    (
        "NumPy: linalg.eigh",
        f"{NUMPY}/reference/generated/numpy.linalg.eigh.html",
        "eigenvalues of a symmetric matrix, in ascending order",
    ),
    (
        "scikit-learn: PCA",
        f"{SCIKIT_LEARN}/modules/generated/sklearn.decomposition.PCA.html",
        "variances and components, and how they are counted",
    ),
    (
        "scikit-learn, User Guide: Principal component analysis (PCA)",
        f"{SCIKIT_LEARN}/modules/decomposition.html#principal-component-analysis-pca",
        "what principal components are, and ways to compute them",
    ),
    (
        "SciPy: scipy.spatial.distance.cdist",
        "https://docs.scipy.org/doc/scipy/reference/generated/scipy.spatial.distance.cdist.html",
        "distances between all rows of two arrays",
    ),
    (
        "scikit-learn: HalvingGridSearchCV",
        f"{SCIKIT_LEARN}/modules/generated/sklearn.model_selection.HalvingGridSearchCV.html",
        "the parameters of a halving search",
    ),
    (
        "scikit-learn: HalvingGridSearchCV, parameter resource",
        f"{SCIKIT_LEARN}/modules/generated/sklearn.model_selection.HalvingGridSearchCV.html",
        "what grows from rung to rung",
    ),
    (
        "scikit-learn: Tuning the hyper-parameters, section Successive halving",
        f"{SCIKIT_LEARN}/modules/grid_search.html#successive-halving-user-guide",
        "searches that drop candidates early",
    ),
    (
        "scikit-learn, User Guide: Tuning the hyper-parameters, section Successive halving",
        f"{SCIKIT_LEARN}/modules/grid_search.html#successive-halving-user-guide",
        "searches that drop candidates early",
    ),
    (
        "scikit-learn, User Guide: Tuning the hyper-parameters, section Amount of resource and "
        "number of candidates at each iteration",
        f"{SCIKIT_LEARN}/modules/grid_search.html"
        "#amount-of-resource-and-number-of-candidates-at-each-iteration",
        "how the rungs follow from the factor",
    ),
    (
        "scikit-learn, User Guide: Tuning the hyper-parameters, section Exhausting the available "
        "resources",
        f"{SCIKIT_LEARN}/modules/grid_search.html#exhausting-the-available-resources",
        "a first rung from which the last one uses all data",
    ),
    (
        "scikit-learn, User Guide: Tuning the hyper-parameters, section Choosing min_resources "
        "and the number of candidates",
        f"{SCIKIT_LEARN}/modules/grid_search.html"
        "#choosing-min-resources-and-the-number-of-candidates",
        "how large the first rung has to be",
    ),
    (
        "scikit-learn Examples: Comparison between grid search and successive halving",
        f"{SCIKIT_LEARN}/auto_examples/model_selection/plot_successive_halving_heatmap.html",
        "which candidates each of them tries",
    ),
    (
        "scikit-learn Examples: Importance of Feature Scaling",
        f"{SCIKIT_LEARN}/auto_examples/preprocessing/plot_scaling_importance.html",
        "what an unscaled feature does to a model",
    ),
    (
        "NCI: Gadi, PBS Directives Explained",
        "https://opus.nci.org.au/display/Help/PBS+Directives+Explained",
        "what a job on Gadi asks for, and how",
    ),
    (
        "SLURM: sbatch, option --mem",
        "https://slurm.schedmd.com/sbatch.html#OPT_mem",
        "memory of a job, and its units",
    ),
    (
        "Dask: 10 Minutes to Dask",
        f"{_DASK}/10-minutes-to-dask.html",
        "collections, graphs and computing, in short",
    ),
    (
        "Dask: Array",
        f"{_DASK}/array.html",
        "arrays that consist of many NumPy arrays",
    ),
    (
        "Dask: Create Dask Arrays",
        f"{_DASK}/array-creation.html",
        "arrays from files, from delayed objects and from NumPy",
    ),
    (
        "Dask: Dashboard Diagnostics",
        f"{_DASK}/dashboard.html",
        "what the plots of the dashboard show",
    ),
    (
        "Dask Array: Best Practices",
        f"{_DASK}/array-best-practices.html",
        "chunk sizes, and threads of libraries",
    ),
    (
        "Dask: Best Practices",
        f"{_DASK}/best-practices.html",
        "habits that make Dask programs fast",
    ),
    (
        "Dask Examples: Score and Predict Large Datasets",
        "https://examples.dask.org/machine-learning/parallel-prediction.html",
        "ParallelPostFit, step by step",
    ),
    (
        "Dask Examples: Train Models on Large Datasets",
        "https://examples.dask.org/machine-learning/incremental.html",
        "Incremental, step by step",
    ),
    (
        "Dask-ML: Clustering",
        f"{_DASK_ML}/clustering.html",
        "k-means and spectral clustering on Dask arrays",
    ),
    (
        "Dask-ML: Hyper Parameter Search",
        f"{_DASK_ML}/hyper-parameter-search.html",
        "searches that share work or stop early",
    ),
    (
        "Dask-ML: Parallel Meta-estimators",
        f"{_DASK_ML}/meta-estimators.html",
        "predicting on more data than fit into memory",
    ),
    (
        "Dask-Jobqueue: Advanced tips and tricks",
        f"{_JOBQUEUE}/clusters-advanced-tips-and-tricks.html",
        "sites that need other directives",
    ),
    (
        "joblib: Embarrassingly parallel for loops",
        f"{_JOBLIB}/parallel.html",
        "Parallel, delayed and the choice of a backend",
    ),
    (
        "scikit-learn: clone",
        f"{SCIKIT_LEARN}/modules/generated/sklearn.base.clone.html",
        "a copy of an estimator with its settings, not fitted",
    ),
    (
        "Python: concurrent.futures",
        f"{_PYTHON}/library/concurrent.futures.html",
        "pools of threads and of processes",
    ),
    (
        "scikit-learn: Clustering",
        f"{SCIKIT_LEARN}/modules/clustering.html",
        "k-means and its relatives",
    ),
    (
        "scikit-learn: Parallelism, resource management, and configuration",
        f"{SCIKIT_LEARN}/computing/parallelism.html",
        "n_jobs, joblib and threads",
    ),
    (
        "scikit-learn: Support Vector Machines",
        f"{SCIKIT_LEARN}/modules/svm.html",
        "what an SVC costs to train and to use",
    ),
    (
        "scikit-learn: Tuning the hyper-parameters of an estimator",
        f"{SCIKIT_LEARN}/modules/grid_search.html",
        "grids, candidates and scores",
    ),
    (
        "Dask.distributed: Launch Tasks from Tasks",
        f"{_DISTRIBUTED}/task-launch.html",
        "why a task that waits for others can wait for ever, and what to do",
    ),
    (
        "XGBoost: Distributed XGBoost with Dask",
        f"{XGBOOST}/tutorials/dask.html",
        "how workers train together, and what to do when they hang",
    ),
    (
        "XGBoost: DaskDMatrix",
        f"{XGBOOST}/python/python_api.html#xgboost.dask.DaskDMatrix",
        "what happens to a collection, and where its rows stay",
    ),
    (
        "XGBoost: Python Package Introduction, section Early Stopping",
        f"{XGBOOST}/python/python_intro.html#early-stopping",
        "which rows are watched, and which trees are used",
    ),
    (
        "NCI: user documentation",
        "https://opus.nci.org.au",
        "how to use Gadi",
    ),
    (
        "SLURM: Rosetta Stone of Workload Managers",
        "https://slurm.schedmd.com/rosetta.html",
        "the same directive in PBS, SLURM and others",
    ),
    (
        "Python: Defining functions",
        f"{_PYTHON}/tutorial/controlflow.html#defining-functions",
        "arguments, and the names that a function sees",
    ),
    (
        "Python: Input and Output, section Formatted String Literals",
        f"{_PYTHON}/tutorial/inputoutput.html#formatted-string-literals",
        "texts with values in them",
    ),
    (
        "Python: Data Structures, section More on Lists",
        f"{_PYTHON}/tutorial/datastructures.html#more-on-lists",
        "the methods of lists; those that change the list return None",
    ),
    (
        "Python: os.replace",
        f"{_PYTHON}/library/os.html#os.replace",
        "giving a file its name in one step",
    ),
    (
        "Python: Errors and Exceptions, section Syntax Errors",
        f"{_PYTHON}/tutorial/errors.html#syntax-errors",
        "what Python says where it cannot read a line",
    ),
    (
        "Python: Errors and Exceptions, section Handling Exceptions",
        f"{_PYTHON}/tutorial/errors.html#handling-exceptions",
        "interrupting a program, and what it says then",
    ),
)

POINTERS = {title: Pointer(title, address, explains) for title, address, explains in _TABLE}


def pointers(see: str) -> list[Pointer]:
    """Return what a mistake points to; several titles are separated by semicolons.

    Parameters
    ----------
    see : str
        As in a rule or in ``exercise.toml``.
    """
    titles = [title.strip() for title in see.split(";")]
    return [POINTERS.get(title, Pointer(title, "")) for title in titles if title]
