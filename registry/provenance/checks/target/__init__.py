"""What an audit reads of its target, within bounds: blocks, typed links, files, entries, withdrawals."""
