"""Where shards are computed: in this process, by the processes of torchrun, on a Ray cluster."""
