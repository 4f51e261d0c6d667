"""What a run on the cluster did: recorded inside the box, replayed and accounted outside it."""
