"""Where shards are computed: here, by the processes of torchrun, on a Ray cluster."""
