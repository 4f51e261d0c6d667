"""What is kept out of a notebook: log lines about nothing that a student did."""

import logging

from cluster import warm


def _lines(caplog, *lines, name="distributed.scheduler"):
    logger = logging.getLogger(name)
    # Some releases of Dask hand nothing on to the root logger.
    logger.addHandler(caplog.handler)
    propagates, logger.propagate = logger.propagate, False
    try:
        with caplog.at_level(logging.WARNING, name):
            for line in lines:
                logger.warning(line)
    finally:
        logger.removeHandler(caplog.handler)
        logger.propagate = propagates
    return [record.getMessage() for record in caplog.records]


def test_the_scheduler_does_not_warn_of_tasks_that_were_fused_otherwise(caplog):
    fused = "Detected different `run_spec` for key ('concatenate-1', 0, 0) between two consecutive"
    other = "Worker failed heartbeat"
    logger = logging.getLogger("distributed.scheduler")
    assert _lines(caplog, fused, other) == [fused, other]
    caplog.clear()
    try:
        warm.quieten_scheduler()
        assert _lines(caplog, fused, other) == [other]
    finally:
        logger.removeFilter(warm._is_no_renamed_source)
        _hear_of_deaths()


def _hear_of_deaths():
    logging.getLogger("distributed.nanny").removeFilter(warm._is_no_slow_end)
    for name in ("distributed.scheduler", "distributed.nanny"):
        logging.getLogger(name).removeFilter(warm._is_no_replacement)


def test_the_replacement_of_a_worker_is_no_news_and_lost_data_are(caplog):
    removing = "Removing worker 'tcp://127.0.0.1:4' caused the cluster to lose "
    again = f"{removing}already computed task(s), which will be recomputed elsewhere: {{'job-1'}}"
    scattered = f"{removing}scattered data, which can't be recovered: {{'data'}}"
    restarting = "Restarting worker (status=Status.running)"
    memory = "Worker tcp://127.0.0.1:4 (pid=7) exceeded 95% memory budget. Restarting..."
    assert _lines(caplog, again, scattered, restarting, memory)[0] == again
    caplog.clear()
    try:
        warm.quieten_scheduler()
        assert _lines(caplog, again, scattered, restarting, memory) == [scattered, memory]
    finally:
        logging.getLogger("distributed.scheduler").removeFilter(warm._is_no_renamed_source)
        _hear_of_deaths()


def test_a_worker_that_ends_slowly_is_no_news(caplog):
    slow = "Worker process still alive after 4.0 seconds, killing"
    other = "Worker exceeded 95% memory budget. Restarting..."
    assert _lines(caplog, slow, other, name="distributed.nanny") == [slow, other]
    caplog.clear()
    try:
        warm.quieten_scheduler()
        assert _lines(caplog, slow, other, name="distributed.nanny") == [other]
    finally:
        logging.getLogger("distributed.scheduler").removeFilter(warm._is_no_renamed_source)
        _hear_of_deaths()
