"""Exercise 8, halving search: the one source of its notebook.

``autograder build`` turns this file into ``source/ex08_halving_search``; points and sizes are
in ``autograder/exercises/ex08_halving_search``. As a script it takes ``--profile`` and
``--workers``.
"""

# %% script="profile"
from cluster import command_line

command_line()

# %% [markdown]
# # Halving search: many candidates, small budgets first
#
# A grid search gives every candidate the same: all rows, all folds, all the time it wants. Most
# candidates do not deserve that. A step size that is far off can be seen to be far off on a few
# hundred rows.
#
# **Successive halving** works like a tournament. In the first round all candidates are tried, each
# on very little. The best third goes on and gets three times as much, the best third of those again
# three times as much, and so on. Only the last few are ever trained on everything. That saves most
# of the work. It can also send the best candidate home in the first round.
#
# In this exercise you will
#
# 1. work out what such a search costs before you start it,
# 2. run scikit-learn's own halving search on a Dask cluster,
# 3. look at the survivors, and read their scores correctly,
# 4. meet a model for which the search picks the wrong winner, and repair that,
# 5. find out when halving is not worth having.
#
# You know scikit-learn's grid search and joblib's Dask backend (`ex01_distributed_training`). Allow
# 40 to 50 minutes.
#
# ## Start the cluster
#
# `connect()` gives you a small Dask cluster: a scheduler and two workers, each a process of its
# own. `check` tells you how a function of yours is doing, as often as you like.
#
# scikit-learn still calls its halving searches experimental: they may change without notice. You
# have to switch them on by an import, *before* you import the search itself.

# %% given="setup"
import math
import time

import joblib
import numpy as np
from sklearn.ensemble import RandomForestRegressor
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import SGDRegressor
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV

from autograder import check
from cluster import connect, size_of, watch

client = connect()
print(client)
watch(client)

# %% [markdown]
# ## The full grid first
#
# We predict the yield of fields from twenty measurements of soil and weather. Half of the yield
# follows from the measurements; the rest is chance, and no model can predict it. (On a larger
# cluster, whose profile says so, there are more fields. The text speaks of a laptop.)

# %% given="data"
weights = np.random.default_rng(8).normal(size=20)
weights /= np.linalg.norm(weights)


def draw(rows, seed):
    """Draw some fields: measurements, shape (rows, 20), and yields, shape (rows,)."""
    generator = np.random.default_rng(seed)
    X = generator.normal(size=(rows, 20))
    return X, X @ weights + generator.normal(size=rows)


rows = {"laptop": 8_100, "node": 27_000, "cluster": 81_000}[size_of(client)]
X, y = draw(rows, seed=1)

# %% [markdown]
# The model is linear. It is trained in 400 passes over the rows, and each row moves its weights a
# little. How far (`eta0`), and how strongly large weights are punished (`alpha`), is for the search
# to find: nine times three candidates on two folds, 54 trainings. As in the first exercise, `fit`
# inside the `with` makes tasks of them.

# %% tags=["experiment"]
model = SGDRegressor(learning_rate="constant", max_iter=400, tol=None, random_state=0)
grid = {"alpha": np.logspace(-5, 0, 9).tolist(), "eta0": [0.0003, 0.001, 0.003]}

full = GridSearchCV(model, grid, cv=2, refit=False)
started = time.perf_counter()
with joblib.parallel_config(backend="dask"):
    full.fit(X, y)
full_seconds = time.perf_counter() - started
print(f"full grid: {full_seconds:.2f} s; best: {full.best_params_}, r² {full.best_score_:.4f}")

# %% [markdown]
# ## What a halving search costs
#
# The rounds of the tournament are called **rungs**, as on a ladder. What each training gets more of
# from rung to rung is the **resource**. Here it is rows. This is the ladder of our 27 candidates,
# with 300 rows in the first rung and a **factor** of 3:
#
# | rung | candidates | rows for each | candidates × rows |
# |--:|--:|--:|--:|
# | 0 | 27 | 300 | 8,100 |
# | 1 | 9 | 900 | 8,100 |
# | 2 | 3 | 2,700 | 8,100 |
# | 3 | 1 | 8,100 | 8,100 |
# | | | **in all** | **32,400** |
#
# The time of a training is about proportional to its rows, so all rungs take about as long. The
# full grid costs 27 × 8,100 = 218,700: nearly seven times as much.
#
# The numbers are not always so round. Two rules make the ladder:
#
# - **Who goes on.** From each rung to the next the resource is multiplied by the factor, and the
#   candidates are divided by it. If that is not a whole number, it is rounded up.
# - **Where it ends.** The ladder has 1 + *k* rungs. *k* is the largest whole number for which both
#   conditions hold: `factor**k` is not more than the candidates, and `min_resources * factor**k` is
#   not more than `max_resources`.
#
# So either the candidates run out or the data do. If the data run out first, several candidates
# are left in the last rung, and the best of these wins.
#
# Fill in the first blank. It needs no cluster.
#
# <details>
# <summary>Hint</summary>
#
# Two steps: count the rungs with a `while` loop, then go through them. `math.ceil` rounds up. Try
# it on the table above, and on 10 candidates, factor 3, from 50 to 1,000: that gives (10, 50),
# (4, 150), (2, 450), and 2,000 in all.
#
# </details>


# %% solution="budget"
def budget(n_candidates, factor, min_resources, max_resources):
    """Work out the rungs of a halving search, and what it costs.

    Parameters
    ----------
    n_candidates : int
    factor : int
        2 or more.
    min_resources : int
        What each candidate gets in the first rung.
    max_resources : int
        No candidate gets more than this.

    Returns
    -------
    rungs : list of tuple of int
        (candidates, resources of each) for every rung, the first rung first.
    total : int
        Candidates × resources, added up over the rungs.
    """
    ### BEGIN SOLUTION
    count = 1
    while factor**count <= n_candidates and min_resources * factor**count <= max_resources:
        count += 1
    rungs = []
    for rung in range(count):
        rungs.append((n_candidates, min_resources * factor**rung))
        n_candidates = math.ceil(n_candidates / factor)
    return rungs, sum(candidates * resources for candidates, resources in rungs)
    ### END SOLUTION


# %%
for factor in (2, 3, 5, 9):
    rungs, total = budget(27, factor, rows // 27, rows)
    print(f"factor {factor}: {total / (27 * rows):.0%} of the full grid, {rungs}")

# %% [markdown]
# A large factor costs less and is bolder: it drops more candidates at once, on what little it
# knows. Three is usual.
#
# The next cell judges your function on other numbers than yours. It carries the points, so leave
# it as it is. Run it as often as you like; nobody counts.

# %% grade="budget_rule"
check(budget)

# %% [markdown]
# ## The same on the cluster
#
# `HalvingGridSearchCV` is used like `GridSearchCV`. It has some settings of its own: `factor`,
# `resource` (left out, it is `"n_samples"`, the rows), `min_resources`, `max_resources` (left out,
# all rows) and `random_state`, which decides *which* rows a rung gets. What you know
# about the grid search on a cluster holds here, too: joblib looks the backend up when `fit` runs,
# and `n_jobs` may be left out.
#
# One thing is new. **No rung can begin before the last training of the rung below has ended**,
# because until then nobody knows who goes on. On two workers that costs little.
#
# <details>
# <summary>Hint</summary>
#
# Make the search with all the settings that the docstring names, then call `fit` inside
# `with joblib.parallel_config(...)`. `fit` returns the fitted search.
#
# </details>


# %% solution="search"
def search(model, parameters, X, y, min_resources):
    """Search by successive halving over the rows, all trainings on the cluster.

    Parameters
    ----------
    model : sklearn estimator
        Not fitted.
    parameters : dict
        Values to try, by the name of the setting.
    X : numpy.ndarray, shape (rows, measurements)
    y : numpy.ndarray, shape (rows,)
    min_resources : int
        Rows of the first rung.

    Returns
    -------
    sklearn.model_selection.HalvingGridSearchCV
        Fitted, with factor=3, cv=2, random_state=0 and refit=False. All together it has used
        no more than half of the CPU time that the full grid would take.
    """
    ### BEGIN SOLUTION
    tuner = HalvingGridSearchCV(
        model,
        parameters,
        factor=3,
        cv=2,
        min_resources=min_resources,
        random_state=0,
        refit=False,
    )
    with joblib.parallel_config(backend="dask"):
        return tuner.fit(X, y)
    ### END SOLUTION


# %% tags=["experiment"]
started = time.perf_counter()
found = search(model, grid, X, y, rows // 27)
seconds = time.perf_counter() - started
print(f"halving: {seconds:.2f} s, full grid: {full_seconds:.2f} s")
print("rungs:", list(zip(found.n_candidates_, found.n_resources_, strict=True)))
print("winner:", found.best_params_)

# %% [markdown]
# Are the rungs those of your `budget`? The time is below the full grid's, but not as far below as
# the table promised. A training on 300 rows takes a few milliseconds, and making a task of it,
# sending it and fetching the score takes longer than that. With larger data it hardly matters.
#
# Three checks: are the scores those of a serial search, how much did all processes compute for
# them, and were both workers busy? For the last one we take off the time in which others had the
# cores, and count how many seconds of work were done in each second of the rest: one for one thing
# after another, two for two busy workers.

# %% grade="search_values"
check(search, "values")

# %% grade="search_work"
check(search, "work")

# %% grade="search_speedup"
check(search, "speedup")

# %% [markdown]
# ## Look at the survivors
#
# How good is the winner really? The full grid has scored all candidates on all rows, so here, for
# once, we can look it up.

# %% tags=["experiment"]
table = found.cv_results_
for rung in range(found.n_iterations_):
    here = np.flatnonzero(table["iter"] == rung)
    top = here[np.argmax(table["mean_test_score"][here])]
    place = full.cv_results_["params"].index(table["params"][top])
    print(
        f"rung {rung}, {table['n_resources'][top]:5} rows: "
        f"the best of {len(here):2} scores {table['mean_test_score'][top]:.4f} here, "
        f"and {full.cv_results_['mean_test_score'][place]:.4f} in the full grid"
    )
print(f"best of the full grid: {full.best_score_:.4f}")

# %% [markdown]
# Two things to take from this.
#
# - **The winner is nearly as good as the best, and need not be the best.** Candidates whose scores
#   hardly differ are told apart by chance. That does no harm.
# - **Scores of different rungs cannot be compared.** They come from different rows, and the best of
#   27 on a few rows was also the luckiest of 27. So the winner is the best *of the last rung*; that
#   is what `best_params_` says. The highest score of the whole table may stand in rung 0.
#
# ## When the first rung misleads
#
# Now another model and other fields. The model is a **random forest**: many trees, each grown on
# rows drawn at random, whose predictions are averaged. The setting in question is the least number
# of rows in a leaf of a tree. The fields are few, and their yields depend mostly on chance.
#
# All of it takes a few seconds, so **here we leave the cluster out**. There is a second reason. A
# forest uses joblib itself, to grow its trees. Inside the `with` it would hand them to the cluster
# as well, in hundreds of tiny tasks, and most of the time would go into handling those.

# %% given="forest_data"
generator = np.random.default_rng(0)
X_few = generator.uniform(-1, 1, size=(1_200, 4))
y_few = np.sqrt(3) * X_few[:, 0] + generator.normal(scale=1.6, size=1_200)

# %% tags=["experiment"]
forest = RandomForestRegressor(n_estimators=45, random_state=0)
leaves = {"min_samples_leaf": [1, 2, 3, 4, 5, 6, 7, 8, 80]}

everything = GridSearchCV(forest, leaves, cv=3, refit=False).fit(X_few, y_few)
by_rows = HalvingGridSearchCV(forest, leaves, cv=3, random_state=0, refit=False).fit(X_few, y_few)

in_full, in_first = (tuner.cv_results_["mean_test_score"] for tuner in (everything, by_rows))
print(f"leaf  full grid  first rung ({by_rows.n_resources_[0]} rows)")
for place, leaf in enumerate(leaves["min_samples_leaf"]):
    print(f"{leaf:4}  {in_full[place]:9.3f}  {in_first[place]:10.3f}")
print("the full grid takes", everything.best_params_, "and halving takes", by_rows.best_params_)

# %% [markdown]
# Large leaves are clearly best: averaged over 80 fields, chance nearly cancels out. And halving
# threw them out first of all. In the first rung a tree sees 133 rows less those held out, and
# cannot make two leaves of 80 rows of them. It predicts the same yield for every field.
#
# **Halving assumes that who is good on little is good on much.** Here that fails, because what the
# setting means depends on the resource. Rows are not the only resource, though. Anything will do
# that makes a training cheaper and is a number: `resource` may name a setting of the model.
#
# Which resource would be fair to large leaves? Write a search that finds the right candidate and is
# still much cheaper than the full grid. How, is up to you.
#
# <details>
# <summary>Hint</summary>
#
# What takes the time in a forest? A forest of a few trees is a rough version of the same forest,
# and every one of its trees sees *all* rows. A `resource` that is not the rows needs
# `max_resources`, too: how much the last rung may have.
#
# </details>


# %% solution="search_forest"
def search_forest(forest, parameters, X, y):
    """Find the best candidate for a random forest, for much less than the full grid costs.

    Parameters
    ----------
    forest : sklearn.ensemble.RandomForestRegressor
        Not fitted; it has as many trees as its ``n_estimators`` says.
    parameters : dict
        Values to try, by the name of the setting.
    X : numpy.ndarray, shape (rows, measurements)
    y : numpy.ndarray, shape (rows,)

    Returns
    -------
    dict
        Settings of the winner, by name; others beside those of ``parameters`` do not matter.
        Trained with all trees on all rows (three folds), no other candidate scores more than
        0.01 higher. All processes together have used no more than 60 % of the CPU time that the
        full grid takes in this process.
    """
    ### BEGIN SOLUTION
    tuner = HalvingGridSearchCV(
        forest,
        parameters,
        factor=3,
        cv=3,
        resource="n_estimators",
        max_resources=forest.n_estimators,
        refit=False,
    )
    return tuner.fit(X, y).best_params_
    ### END SOLUTION


# %% tags=["experiment"]
print(search_forest(forest, leaves, X_few, y_few))

# %% [markdown]
# The checks call your function on fields of two regions. In one of them large leaves are best, in
# the other they are the worst of all.

# %% grade="search_forest_values"
check(search_forest, "values")

# %% grade="search_forest_work"
check(search_forest, "work")

# %% [markdown]
# ## Experiment: how little is enough?
#
# The same nine candidates, once with rows as the resource and once with trees, and with first rungs
# of different sizes. **Before you run the cell, write down which of the six searches find the large
# leaves, and which of them save the most time.** The seeds are fixed, so you will see the same
# winners and scores as everybody; the seconds are those of your computer.

# %% tags=["experiment"]
for resource, most, starts in (
    ("n_samples", len(X_few), (12, 133, 400)),
    ("n_estimators", forest.n_estimators, (1, 5, 15)),
):
    for start in starts:
        tuner = HalvingGridSearchCV(
            forest, leaves, cv=3, resource=resource, min_resources=start, max_resources=most,
            random_state=0, refit=False,
        )  # fmt: skip
        started = time.perf_counter()
        tuner.fit(X_few, y_few)
        seconds = time.perf_counter() - started
        leaf = tuner.best_params_["min_samples_leaf"]
        score = in_full[leaves["min_samples_leaf"].index(leaf)]
        print(
            f"{resource:12} from {start:3}: leaf {leaf:2}, "
            f"r² {score:.3f} in the full grid, {seconds:.2f} s"
        )

# %% [markdown]
# <details>
# <summary>What you should have seen, and why</summary>
#
# - **Rows, from 12 or 133**: small leaves win, and the large ones would have been better by 0.03
#   or more.
# - **Rows, from 400**: the large leaves survive, since of 266 rows a tree can make three of them.
#   But it takes nearly as long as the full grid. A forest of 45 trees is expensive on few rows,
#   too: part of the time of a tree does not depend on the rows.
# - **Trees**: the large leaves win from the first tree on. Even one tree shows what a leaf of one
#   row is worth where yields are mostly chance. Starting from 1 is several times as fast as
#   starting from 15.
#
# So look for a resource that *costs* much and *changes* little about who is ahead. If you are not
# sure, start the first rung higher: with a factor of 3, three times as much in the first rung is
# one rung less.
#
# Trees are no cure for everything either. A boosted model adds tree after tree to correct the ones
# before; with few of them a large learning rate is ahead, with many a small one. There the rows
# would be the better resource.
#
# </details>
#
# ## When halving does not help
#
# You have a cluster, so one more question: how fast can it be? Each rung has as many trainings as
# candidates times folds, and each training runs on one worker. This cell counts in rows, for the
# linear model and two folds.

# %%
rungs, total = budget(27, 3, 300, 8_100)
print("workers  halving  full grid")
for workers in (1, 2, 10, 54):
    halving = sum(math.ceil(2 * n / workers) * resources for n, resources in rungs)
    grid_search = math.ceil(2 * 27 / workers) * 8_100
    print(f"{workers:7}  {halving:7,}  {grid_search:9,}")

# %% [markdown]
# With one or two workers halving is nearly seven times as fast, with ten three times. **With 54
# workers the full grid is done first**: all its trainings run at once, while halving climbs four
# rungs one after another, the last one with two trainings. What halving saves is *work*. If you
# pay for cores by the hour, that is money; if the cores stand idle anyway, it is nothing.
#
# It does not help, either,
#
# - when there are few candidates: nine on two rungs save half at best,
# - when a training takes only milliseconds even on all rows: then tasks cost more than trainings,
# - when the resource is not what the time is spent on, as with a forest and its rows,
# - when few resources say something else than many, as you have seen.
#
# And joblib sends all the data to every worker, here as in the first exercise. What does not fit
# into the memory of one worker cannot be searched like this, however few rows a rung takes.
#
# ## In your own words
#
# A colleague searches 81 settings of a forest by halving, with rows as the resource: from 100 rows,
# factor 3, of 100,000 rows. `min_samples_leaf` is among the settings, from 1 to 200. The winner has
# a leaf of 2. She repeats the search with other random rows, the winner has a leaf of 3, and she is
# content. Later somebody runs the full grid, and a leaf of 200 is clearly better.
#
# **Which candidates could survive her first rung, and why did the best one not? Why did repeating
# the search not show it? How could she have noticed without the full grid, and what would you have
# her change?** Five sentences are enough. Your instructor reads and marks this answer.

# %% [markdown] words="survivors"
# *Who survives.* The best third on 100 rows, less those held out. From so few rows no tree can make
# two leaves of 200, so these candidates predict a constant and are dropped, however good they would
# be on 100,000 rows. Nobody who is dropped comes back.
#
# *Why repeating does not show it.* Other rows, but just as few: the error is not chance, it is the
# same each time.
#
# *How to notice.* Look at the scores of the first rung: all candidates with large leaves score
# about 0, the score of a constant. Or train one dropped candidate on all rows and compare it with
# the winner. Or see whether the winner changes when the first rung is larger.
#
# *What to change.* Trees as the resource, which are also what the time is spent on; or a first rung
# large enough for the largest leaf, of some thousand rows. A leaf given as a share of the rows
# (`min_samples_leaf=0.002`) also means the same in every rung.

# %% [markdown]
# ## What you have seen
#
# - All rungs of a halving search cost about the same, and you can work that out beforehand.
# - It runs on a cluster like any search of scikit-learn, rung after rung.
# - Its winner is the best of the last rung; scores of different rungs cannot be compared.
# - It errs where the resource changes who is ahead, and another resource can repair that.
# - It saves work. With many idle workers the full grid may still be done first.
#
# ## Further reading
#
# - scikit-learn 1.9, user guide:
#   [Searching for optimal parameters with successive halving](https://scikit-learn.org/1.9/modules/grid_search.html#searching-for-optimal-parameters-with-successive-halving),
#   with how to choose `min_resources` and the number of candidates; and the reference of
#   [HalvingGridSearchCV](https://scikit-learn.org/1.9/modules/generated/sklearn.model_selection.HalvingGridSearchCV.html)
# - scikit-learn 1.9, examples:
#   [Comparison between grid search and successive halving](https://scikit-learn.org/1.9/auto_examples/model_selection/plot_successive_halving_heatmap.html)
# - joblib: the reference of
#   [parallel_config](https://joblib.readthedocs.io/en/stable/generated/joblib.parallel_config.html)
# - K. Jamieson and A. Talwalkar, *Non-stochastic Best Arm Identification and Hyperparameter
#   Optimization*, AISTATS 2016: the method; and L. Li and others, *Hyperband*, JMLR 18, 2018:
#   several ladders at once, for when you do not know how much the first rung needs
