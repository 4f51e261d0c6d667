"""Small cases of every exercise: what an oracle answers in a moment, and what makes it hard."""

from collections.abc import Mapping

from autograder.exercise import catalogue

NIGHTS = {
    f"night_{n:02d}": rows for n, rows in enumerate((150, 300, 250, 200, 350, 250) * 2, start=1)
}
DAYS = {f"chunk_{i}": n for i, n in enumerate((700, 1, 300, 1_500, 90), start=1)}
SIZES = {"rows": 60, "rounds": 4}

SMALL: Mapping[str, Mapping[str, Mapping[str, float]]] = {
    "ex00_first_steps": {"uneven": {"chunk_1": 7, "chunk_2": 1, "chunk_3": 13}},
    "ex01_distributed_training": {
        "pipeline": {},
        "search_words": {"messages": 90, "topics": 3, "alphas": 3},
        "search_large": {"messages": 120, "topics": 8, "alphas": 2},
    },
    "ex02_parallel_prediction": {
        "fit": {"train_rows": 150},
        "predict_odd": {"train_rows": 150, "chunk_1": 40, "chunk_2": 1, "chunk_3": 59},
        "predict_large": {"train_rows": 150, "rows": 120, "blocks": 4},
        "score": {"train_rows": 150, "chunk_1": 40, "chunk_2": 1, "chunk_3": 80},
        "count": {"train_rows": 150, "rows": 120, "blocks": 4},
        "count_odd": {"train_rows": 150, "chunk_1": 40, "chunk_2": 1, "chunk_3": 30},
        "take_time": {"train_rows": 150, "rows": 120, "blocks": 4},
    },
    "ex03_incremental_training": {
        "load": {"night_1": 70, "night_2": 1, "night_3": 130},
        "train_odd": NIGHTS,
        "train_packed": {"nights": 6, "rows": 520},
        "train_large": {"nights": 6, "rows": 500},
        "update": {"nights": 18, "rows": 500, "nights_before": 6},
    },
    "ex04_large_collections": {
        "standardise_odd": {"clusters": 3, "chunk_1": 70, "chunk_2": 1, "chunk_3": 130},
        "standardise_files": {"clusters": 4, "rows": 300, "blocks": 3},
        "cluster_odd": {"clusters": 3, "steps": 2, "chunk_1": 900, "chunk_2": 1, "chunk_3": 1300},
        "cluster_large": {"clusters": 5, "steps": 3, "rows": 4_000, "blocks": 4},
        "assign_odd": {"clusters": 4, "chunk_1": 90, "chunk_2": 1, "chunk_3": 110},
        "assign_files": {"clusters": 5, "rows": 900, "blocks": 3},
    },
    # No case of it takes longer for its size.
    "ex05_batch_cluster": {
        case.name: case.parameters
        for case in catalogue.load(catalogue.KIT / "ex05_batch_cluster").cases
    },
    "ex06_find_whats_slow": {
        "stream_waits": {},
        "stream_moves": {},
        "odd_uneven": {"chunk_1": 70, "chunk_2": 1, "chunk_3": 130},
        "odd_large": {"rows": 360, "blocks": 4},
        "load_few": {"files": 90},
        "load_many": {"files": 601},
        "beat_uneven": {"chunk_1": 90, "chunk_2": 1, "chunk_3": 230},
        "beat_large": {"rows": 640, "blocks": 8},
        "crossings_few": {"chunk_1": 30, "chunk_2": 1, "chunk_3": 50, "samples": 41},
        "crossings_many": {"rows": 300, "blocks": 3, "samples": 96},
    },
    "ex07_boosted_trees": {
        "load_odd": {"chunk_1": 70, "chunk_2": 1, "chunk_3": 130},
        "load_files": {"rows": 120, "blocks": 4},
        "predict_odd": {"trained": 1_000, "chunk_1": 90, "chunk_2": 1, "chunk_3": 110},
        "predict_files": {"trained": 1_000, "rows": 600, "blocks": 3},
        "train_odd": {
            "depth": 4,
            "rate": 0.5,
            "validation": 600,
            "chunk_1": 700,
            "chunk_2": 1,
            "chunk_3": 1300,
        },
        "train_large": {"depth": 5, "rate": 0.3, "validation": 800, "rows": 4_000, "blocks": 4},
    },
    "ex08_halving_search": {
        "budget_candidates": {},
        "budget_data": {},
        "budget_exact": {},
        "search_odd": {"rows": 420, "passes": 5, "alphas": 5, "steps": 2, "rungs": 7},
        "search_large": {"rows": 540, "passes": 5, "alphas": 9, "steps": 3, "rungs": 9},
        "forest_noisy": {"rows": 1_200, "trees": 12},
        "forest_clear": {"rows": 1_200, "trees": 12},
    },
    "ex09_tables_to_features": {
        "features_odd": {**DAYS, "bikes": 40},
        "features_large": {"rows": 6_000, "blocks": 4, "bikes": 60},
        "join_odd": {"chunk_1": 90, "chunk_2": 1, "chunk_3": 200, "chunk_4": 45, "bikes": 1_000},
        "join_large": {"rows": 2_400, "blocks": 24, "bikes": 1_000},
        "train_all": {"bikes": 900, "rows": 900, "blocks": 4},
        "train_some": {"bikes": 900, "rows": 900, "blocks": 4},
    },
    "ex10_larger_than_memory": {
        "scale_odd": {"chunk_1": 70, "chunk_2": 1, "chunk_3": 130},
        "scale_files": {"rows": 600, "blocks": 6},
        "components_odd": {"keep": 4, "chunk_1": 300, "chunk_2": 6, "chunk_3": 200},
        "components_fine": {"keep": 16, "chunk_1": 300, "chunk_2": 200, "chunk_3": 260},
        "components_large": {"keep": 5, "rows": 1_600, "blocks": 4, "readings": 3},
        "components_memory": {"keep": 5, "columns": 8, "rows": 1_600, "blocks": 4, "shown": 60},
        "project_odd": {"keep": 3, "chunk_1": 90, "chunk_2": 2, "chunk_3": 110},
    },
    "ex11_when_a_worker_dies": {
        "keep_new": {**SIZES, "jobs": 1},
        "keep_there": {**SIZES, "jobs": 1, "done": 1},
        "keep_left": {**SIZES, "jobs": 1},
        "run_failing": {**SIZES, "jobs": 10, "flaky": 3, "broken": 2},
        "run_large": {**SIZES, "jobs": 6},
        "resume_begun": {**SIZES, "jobs": 8, "broken": 1, "done": 3},
        "run_killed": {**SIZES, "jobs": 8, "flaky": 2, "broken": 1},
        "run_lost": {**SIZES, "jobs": 20},
        "resume_killed": {**SIZES, "jobs": 8, "done": 2},
    },
    "ex12_is_it_worth_it": {
        "seconds_rounds": {},
        "seconds_idle": {},
        "seconds_full": {},
        "cost_some": {},
        "cost_none": {},
        "cost_narrow": {},
        "cost_one": {},
        "cost_last": {},
        "cost_few": {},
        "cost_tie": {},
        **{f"choose_{number}": {} for number in range(1, 8)},
        "fit_odd": {"tables": 3, "rows": 20, "columns": 3, "passes": 0},
        "fit_many": {"tables": 20, "rows": 20, "columns": 3, "passes": 0},
        "fit_heavy": {"tables": 3, "rows": 500, "columns": 4, "passes": 0},
        "fit_slow": {"tables": 5, "rows": 40, "columns": 3, "passes": 20},
    },
}
"""Parameters by exercise and case; the cases are those of the exercise, all of them."""
