"""Several processes that train one run together. Nothing else knows torch.distributed."""
