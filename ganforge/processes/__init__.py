"""Several processes that train, sample or evaluate together. Nothing else knows torch.distributed."""
