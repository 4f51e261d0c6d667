"""Exercise 1, distributed training: the one source of its notebook.

``autograder build`` turns this file into ``source/ex01_distributed_training``; points and
sizes are in ``autograder/exercises/ex01_distributed_training``. As a script it takes
``--profile`` and ``--workers``.
"""

# %% script="profile"
from cluster import command_line

command_line()

# %% [markdown]
# # Distributed training: one search, many fits
#
# How strongly should a model be regularised? Does it matter how often a word occurs in a text,
# or only whether it does? You cannot know beforehand. So you try: you train the same model with
# every combination of the settings in question, each time on another part of the data, and keep
# the combination that does best on the rest.
#
# That is a **grid search**, and it is expensive. Six combinations on three folds are eighteen
# trainings, and a thorough search has thousands. But look at what they need of one another:
# **nothing**. Every training starts from the same texts and ends in one number. So the trainings
# can be shared out among as many workers as you have, and the model, the search and scikit-learn
# itself stay as they are.
#
# In this exercise you will
#
# 1. build a pipeline that learns the topic of a message from its words,
# 2. search its settings the serial way,
# 3. run the very same search on a Dask cluster,
# 4. look at what travels to the workers, and
# 5. find out by experiment when a cluster does not help.
#
# You know scikit-learn. Of Dask you need only what exercise 0 shows in ten minutes: a scheduler
# hands tasks to workers. Allow 30 to 45 minutes.
#
# ## Start the cluster
#
# `connect()` gives you a small Dask cluster: a scheduler and two workers, each a process of its
# own. `check` tells you how a function of yours is doing, as often as you like.

# %% given="setup"
import os
import socket
import time
import warnings

import joblib
import matplotlib.pyplot as plt
import numpy as np
import psutil
from sklearn.datasets import fetch_20newsgroups
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import Pipeline

from autograder import check
from cluster import connect, size_of, watch

client = connect()
print(client)
watch(client)

# %% [markdown]
# ## The messages
#
# The model is to recognise, from the words of a message, which of four discussion groups it was
# written to. A classic collection for this is *20 Newsgroups*, some eighteen thousand messages of
# the 1990s. scikit-learn uses it if it is on your machine, and otherwise downloads it once, 14 MB.
# If that fails, the cell below invents messages instead. Like a natural language, theirs has a few
# very common words and many rare ones, and every topic prefers certain words.

# %% given="data"
GROUPS = ["comp.graphics", "rec.motorcycles", "sci.med", "talk.politics.misc"]


def load_messages(count):
    """Load messages: a list of texts, the number of each one's group, and where they are from."""
    socket.setdefaulttimeout(10)  # without a network, do not wait for minutes
    try:
        with warnings.catch_warnings(action="ignore"):
            news = fetch_20newsgroups(
                categories=GROUPS, remove=("headers", "footers", "quotes"), n_retries=1
            )
    except OSError:
        return *invent_messages(count), "an invented language (20 Newsgroups is out of reach)"
    finally:
        socket.setdefaulttimeout(None)
    texts = [text[:2_000] for text in news.data[:count]]
    return texts, news.target[:count], "20 Newsgroups"


def invent_messages(count):
    """Invent messages about four topics, the same ones each time."""
    generator = np.random.default_rng(1)
    syllables = [consonant + vowel for consonant in "bdfgklmnprst" for vowel in "aeiou"]
    words = syllables + [first + second for first in syllables for second in syllables]
    # Zipf's law: the word of rank r is used about 1/r as often as the commonest.
    frequencies = np.tile(1 / np.arange(1, len(words) + 1), (len(GROUPS), 1))
    for topic in frequencies:
        topic[generator.choice(np.arange(60, len(words)), size=100, replace=False)] *= 5
    frequencies /= frequencies.sum(axis=1, keepdims=True)
    labels = generator.integers(len(GROUPS), size=count)
    drawn = [generator.choice(words, size=120, p=frequencies[label]) for label in labels]
    return [" ".join(text) for text in drawn], labels


# %% tags=["experiment"]
sizes = {"laptop": 1_500, "node": 6_000, "cluster": 18_000}
everything, topics, origin = load_messages(sizes[size_of(client)])
documents, unseen, labels, unseen_labels = train_test_split(
    everything, topics, test_size=0.2, random_state=0, stratify=topics
)
megabytes = sum(map(len, documents)) / 1e6
print(f"{len(documents)} messages, {megabytes:.1f} MB, from {origin}. This is the first one:")
print(documents[0][:150], "…")

# %% [markdown]
# Everything below works with either. `train_test_split` has put a fifth of the messages aside,
# before anything else is done with them: no model and no search sees them until the very end.
# (The number of messages follows the size that the cluster's profile names, as far as the
# collection goes: these four groups have some 2,200 messages. The text speaks of a laptop.)
#
# ## From words to topics
#
# The model has three steps.
#
# - `HashingVectorizer` counts words. Each word is hashed to a number, and that is the column it
#   is counted in. No list of words is kept, so there is nothing to learn, nothing to agree on
#   between workers, and no limit to the size of the texts. The price: now and then two words
#   share a column.
# - `TfidfTransformer` makes words count less the more messages they occur in.
# - `SGDClassifier` finds a weight per word and group, by going over the messages a few times in
#   random order.
#
# Random order? A search is only worth something if it can be repeated. `random_state` fixes the
# order, and then a cluster has to find the same scores as a single process, to the last digit.
# The checks below count on it.
#
# Fill in the first blank. Mind the names of the steps: the search will use them.
#
# <details>
# <summary>Hint</summary>
#
# `Pipeline` takes a list of pairs, the name of a step and the object that does it. Do not call
# `fit`: that is for the search to do, eighteen times.
#
# </details>


# %% solution="build_pipeline"
def build_pipeline():
    """Build the model that tells the group of a message.

    Returns
    -------
    sklearn.pipeline.Pipeline
        Of three steps:

        - "vect": a HashingVectorizer with n_features=2**16,
        - "tfidf": a TfidfTransformer,
        - "clf": an SGDClassifier with max_iter=5, tol=None and random_state=0.

        All other settings are scikit-learn's own.
    """
    ### BEGIN SOLUTION
    return Pipeline(
        [
            ("vect", HashingVectorizer(n_features=2**16)),
            ("tfidf", TfidfTransformer()),
            ("clf", SGDClassifier(max_iter=5, tol=None, random_state=0)),
        ]
    )
    ### END SOLUTION


# %% [markdown]
# The next cell judges your function on other messages than yours. It carries the points, so
# leave it as it is. You may run it as often as you like.

# %% grade="build_pipeline_values"
check(build_pipeline)

# %% [markdown]
# ## The serial way first
#
# A grid maps settings to the values to try. `clf__alpha` means the setting `alpha` of the step
# `clf`. Two times three values make six candidates, and with three folds each of them is
# trained three times.

# %% tags=["experiment"]
grid = {"vect__binary": [False, True], "clf__alpha": [1e-3, 1e-4, 1e-5]}

serial = GridSearchCV(build_pipeline(), grid, cv=3, refit=False)
started = time.perf_counter()
serial.fit(documents, labels)
print(f"serial search: {time.perf_counter() - started:.2f} s")
print(f"best: {serial.best_params_} with an accuracy of {serial.best_score_:.3f}")

# %% [markdown]
# Counting the words takes most of the time, and every one of the eighteen trainings counts them
# anew. Could we not count once, before the search? Here we could not: whether to count or only
# to note (`vect__binary`) is among the questions. And `TfidfTransformer` *must* stay inside. It
# learns how common words are, and if it had learned that from all the messages, each training
# would know something about the very messages that it is tested on. The scores would be too good
# and nobody would notice. **What learns from data belongs in the pipeline that is searched.**
#
# `refit=False` leaves out a nineteenth training, of the best candidate on all messages. It would
# run in this notebook's process, and we are after the scores.
#
# ## joblib, and who does its work
#
# scikit-learn hands its loops to **joblib**, a small library with one idea: you say *what* is to
# be called, a **backend** decides *where*.

# %% tags=["experiment"]
calls = [joblib.delayed(os.getpid)() for _ in range(10)]
print("this process:", os.getpid())
print("without Dask:", set(joblib.Parallel()(calls)))

with joblib.parallel_config(backend="dask"):
    print("with Dask:   ", set(joblib.Parallel()(calls)))

# %% [markdown]
# Each of the ten calls returns the number of the process that it runs in. By default that is this
# process, and the calls run one after the other. The backends `threading` and `loky` use threads
# or further processes of this machine. The last line shows the numbers of the workers: inside the
# `with`, the backend `dask` turned the calls into tasks of the cluster, which may be on this
# machine or spread over a hundred.
#
# That is how a search gets onto the cluster. Three traps come with it.
#
# - **The backend is looked up when the loop runs.** That is in `fit`, not where `GridSearchCV` is
#   created. A `fit` below the `with` runs in this process, and nothing warns you.
# - **`n_jobs` is not what matters.** `n_jobs=-1` without the backend means the cores of this
#   machine. Inside the `with` it may be left out: the Dask backend uses all the workers that
#   there are.
# - **No loop, nothing to distribute.** `predict` of our pipeline is a single call and does not use
#   joblib, so it runs in this process, inside the `with` too. Large predictions are the subject
#   of the next exercise. For the same reason a *single* training of an `SGDClassifier` gets no
#   faster.
#
# ## The same search, on the cluster
#
# Your turn. The pipeline and the grid are handed to your function and need not be those above.
# Search the whole pipeline as it is, from the texts on.
#
# <details>
# <summary>Hint</summary>
#
# It is the serial search, with `fit` inside a `with joblib.parallel_config(...)`. `fit` returns
# the fitted search.
#
# </details>


# %% solution="search"
def search(pipeline, parameters, documents, labels):
    """Try every combination of some settings, all trainings on the cluster.

    Parameters
    ----------
    pipeline : sklearn.pipeline.Pipeline
        Not fitted.
    parameters : dict
        Values to try, by the name of the setting.
    documents : list of str
    labels : numpy.ndarray, shape (documents,)

    Returns
    -------
    sklearn.model_selection.GridSearchCV
        Fitted over the pipeline as it is, with cv=3 and refit=False: no training beyond those
        of the candidates on the folds. Another class will do if it has the same results, in
        cv_results_ and n_splits_.
    """
    ### BEGIN SOLUTION
    tuner = GridSearchCV(pipeline, parameters, cv=3, refit=False)
    with joblib.parallel_config(backend="dask"):
        return tuner.fit(documents, labels)
    ### END SOLUTION


# %% tags=["experiment"]
started = time.perf_counter()
found = search(build_pipeline(), grid, documents, labels)
print(f"search on the cluster: {time.perf_counter() - started:.2f} s")
print(f"best: {found.best_params_} with an accuracy of {found.best_score_:.3f}")

column = "mean_test_score"
print("the serial scores:", np.allclose(found.cv_results_[column], serial.cv_results_[column]))

# %% [markdown]
# Compare the time with the serial one. Two workers can at best halve it; on a machine that is busy
# with something else, both times are longer and the gain is smaller.
#
# Now *watch* it. The first cell has opened the cluster's dashboard beside the notebook, or its
# button *Watch the workers* does. Find the **Task Stream** there and run the cell above once more.
# Each row of the picture is a worker, each bar a task, and a task is called `batch_of_` something:
# when trainings are short, joblib puts several into one task to save on overhead. So do not look
# for eighteen bars. Look for two rows that begin and end together.
#
# Two checks: are the scores those of a serial search, and are both workers busy? A stopwatch would
# be unfair for the second, since other programs on the machine slow yours down. So the check
# subtracts the time in which other programs had the cores, and counts how many seconds of work were
# done in each second of the rest: one if the trainings ran one after the other, two if both workers
# were busy.

# %% grade="search_values"
check(search, "values")

# %% grade="search_speedup"
check(search, "speedup")

# %% [markdown]
# ## What the search has found
#
# `cv_results_` has a score for each candidate. With two settings, they make a map.

# %% tags=["experiment"]
alphas, binaries = grid["clf__alpha"], grid["vect__binary"]
score_of = {}
for settings, score in zip(found.cv_results_["params"], found.cv_results_[column], strict=True):
    score_of[settings["vect__binary"], settings["clf__alpha"]] = score
scores = np.array([[score_of[binary, alpha] for alpha in alphas] for binary in binaries])

figure, axes = plt.subplots(figsize=(6, 2.4), layout="constrained")
axes.imshow(scores, cmap="cividis", aspect="auto")
for (row, place), score in np.ndenumerate(scores):
    dark = score < (scores.min() + scores.max()) / 2
    axes.text(place, row, f"{score:.3f}", ha="center", va="center", color="w" if dark else "k")
axes.set(xlabel="clf__alpha", ylabel="vect__binary", title="mean accuracy over three folds")
axes.set(xticks=range(len(alphas)), xticklabels=alphas)
axes.set(yticks=range(len(binaries)), yticklabels=binaries)
plt.show()

# %% [markdown]
# Two things to read off such a map. If the best value lies at an edge, the grid may be too small:
# try values beyond it. And if neighbours differ by less than the folds do among themselves
# (`std_test_score`), the winner is the winner by chance.
#
# The best score of a search is a little too good for the model that it belongs to, since the search
# picked it *because* it is the highest. The messages put aside at the beginning give an honest
# figure. Training the winner on all the messages of the search is the one training that
# `refit=False` left out.

# %% tags=["experiment"]
winner = build_pipeline().set_params(**found.best_params_).fit(documents, labels)
print(f"in the search:          {found.best_score_:.3f}")
print(f"on messages put aside:  {winner.score(unseen, unseen_labels):.3f}")

# %% [markdown]
# Is the second figure the higher one? Then more data has helped more than the choice has flattered:
# the winner has now learned from all the messages of the search, and in the search from two thirds
# of them at a time.
#
# ## What travels
#
# A worker that trains a model needs the messages, and they are in this notebook. So joblib sends
# them along. How much is that? The operating system counts the bytes that your machine sends. (It
# counts all of them, so do not watch a film meanwhile.)


# %% tags=["experiment"]
def megabytes_sent(**options):
    """Search with further options for the backend; return what was sent meanwhile."""
    tuner = GridSearchCV(build_pipeline(), grid, cv=3, refit=False)
    before = psutil.net_io_counters().bytes_sent
    with joblib.parallel_config(backend="dask", **options):
        tuner.fit(documents, labels)
    return (psutil.net_io_counters().bytes_sent - before) / 1e6


print(f"the messages themselves: {megabytes:5.1f} MB")
print(f"the search as above:     {megabytes_sent():5.1f} MB sent")
print(f"with scatter:            {megabytes_sent(scatter=[documents]):5.1f} MB sent")

# %% [markdown]
# The messages are in a *list*, and joblib puts a list into every single task, however large it
# is; each copy goes to the scheduler first and from there to a worker. `scatter=[documents]`
# sends it to every worker once, and the tasks only name it. NumPy arrays and data frames are
# sent once without your asking, as `labels` is.
#
# ![On the left, a list: every one of twelve tasks carries all the messages to its worker. On the
# right, with scatter or an array: the messages travel once to each of two workers, and the tasks
# are small.](pictures/ex01_travel.py)
#
# For one megabyte nobody would bother. All of 20 Newsgroups has about 20 MB, and a search of
# 300 trainings would send that 300 times.
#
# Either way **every worker ends up with all the data**, and needs memory for their features
# besides, for each training that it runs at the same time. joblib divides the trainings and never
# the data. What does not fit into the memory of one worker cannot be searched like this.
#
# ## Experiment: when does it pay?
#
# Three searches, each run in this process, on one of the workers, and on both. Each time shown is
# the best of three, because whatever else your machine does can only make a run slower:
#
# - *few*: one candidate, three folds, 1,200 messages;
# - *many*: four candidates, three folds, 1,200 messages;
# - *tiny*: four candidates, three folds, 30 messages.
#
# **Before you run the cell, write down for each search which of the three places will be
# fastest, and by what factor.**


# %% tags=["experiment"]
def seconds(workers, candidates, folds, messages):
    """Time a search on so many workers, or in this process if there are to be none."""
    settings = {"clf__alpha": np.logspace(-6, -2, candidates)}
    tuner = GridSearchCV(build_pipeline(), settings, cv=folds, refit=False)
    addresses = sorted(client.scheduler_info()["workers"])[:workers]
    where = {"backend": "dask", "workers": addresses} if workers else {"backend": "sequential"}
    times = []
    for _ in range(3):
        started = time.perf_counter()
        with joblib.parallel_config(**where):
            tuner.fit(documents[:messages], labels[:messages])
        times.append(time.perf_counter() - started)
    return min(times)


print("          here   1 worker  2 workers")
for name, *size in (("few", 1, 3, 1200), ("many", 4, 3, 1200), ("tiny", 4, 3, 30)):
    times = [seconds(workers, *size) for workers in (0, 1, 2)]
    print(f"{name:5}" + "".join(f"{value:8.3f} s" for value in times))

# %% [markdown]
# <details>
# <summary>What you should have seen, and why</summary>
#
# - **Few**: three trainings on two workers. One worker has two of them, so 1.5 is the most that
#   can be gained, and sending the messages takes part of that. On a hundred workers, 97 would
#   have nothing to do.
# - **Many**: one worker needs about as long as this process, two need little more than half.
#   Here a cluster is worth having.
# - **Tiny**: a training takes a few milliseconds, and so does making a task of it, sending it
#   and fetching the score. Two workers are hardly faster than this process, or slower.
#
# On a busy machine you may see less: when another program keeps one of two cores occupied, two
# workers share what is left, and *many* gains little. The order of the columns in *tiny* changes
# from run to run, since its differences are a few milliseconds. What does not change is the bound:
# *few* never gains more than 1.5.
#
# A rule of thumb: a cluster pays if there are several trainings for each worker, if a training
# takes longer than a tenth of a second, and if sending the data takes less time than that.
#
# </details>
#
# Run it again with candidates, folds and sizes of your own. Where do two workers begin to be
# faster than this process? More folds make a more reliable score, and more work: what does going
# from three to ten folds cost you here, and what would it cost on a cluster of thirty workers?
#
# ## In your own words
#
# A colleague searches five candidates on three folds. A training takes 60 seconds, and the texts
# are a list of 500 MB. Alone, her computer takes a quarter of an hour. On a cluster of 100
# workers she waits for two and a half minutes, and had hoped for ten seconds.
#
# **How fast could the cluster have been at best, and why no faster? Where has the rest of the
# time gone, most likely? What would you have her change?** Five sentences are enough. Your
# instructor reads and marks this answer.

# %% [markdown] words="not_faster"
# *At best a minute.* There are 5 × 3 = 15 trainings, each one task that runs on one worker for
# 60 seconds. Fifteen workers are busy and 85 have nothing to do.
#
# *The rest is the texts.* A list is sent along with every task, 15 × 500 MB = 7.5 GB from one
# computer and through one scheduler. At 100 MB per second that alone takes 75 seconds.
#
# *Changes.* Send the texts once to each of the workers that are needed (`scatter`), or let the
# workers read them from a shared disk. Rent 15 workers, not 100; or use the others for more
# candidates or folds, which cost no further time. To get below a minute, a single training has
# to become shorter: fewer messages, a faster model, or one that learns in blocks.
#
# Also good: a worker needs memory for 500 MB of text and its features; a smaller sample for a
# first, coarse search; words that are counted once, if no setting of the first step is searched.

# %% [markdown]
# ## What you have seen
#
# - A search is many trainings that need nothing of one another: work that a cluster can share.
# - joblib runs scikit-learn's loops, and its backend decides where: the backend `dask` on the
#   workers, and it is looked up when `fit` runs.
# - A cluster gives the same scores as one process if all randomness is fixed.
# - What learns from data belongs inside the pipeline that is searched, and what you report comes
#   from data that no search has seen.
# - Lists travel with every task, arrays once. Every worker ends up with all the data.
# - There is no gain beyond the number of trainings, and none where a training takes less time than
#   sending it.
#
# Next, exercise 2: the model is small and trained, and the data to predict on are large.
#
# ## Further reading
#
# - scikit-learn user guide: [Tuning the hyper-parameters of an
#   estimator](https://scikit-learn.org/1.9/modules/grid_search.html), [Parallelism, resource
#   management, and configuration](https://scikit-learn.org/1.9/computing/parallelism.html), and
#   on leaks [Common pitfalls and recommended
#   practices](https://scikit-learn.org/1.9/common_pitfalls.html)
# - joblib documentation: [Embarrassingly parallel for
#   loops](https://joblib.readthedocs.io/en/stable/parallel.html), and the reference of
#   [parallel_config](https://joblib.readthedocs.io/en/stable/generated/joblib.parallel_config.html)
# - Dask-ML documentation: [Scikit-Learn & Joblib](https://ml.dask.org/joblib.html); and [Hyper
#   Parameter Search](https://ml.dask.org/hyper-parameter-search.html), for searches that share the
#   steps which candidates have in common, or stop bad candidates early. Dask-ML sees few releases
#   now. Nothing in this exercise uses it: the search is scikit-learn's, the backend comes with
#   joblib.
# - K. Weinberger and others, *Feature Hashing for Large Scale Multitask Learning*, ICML 2009: why
#   two words in one column do little harm
