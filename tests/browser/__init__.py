"""Real Chromium on a real, running portal: web, worker, beat, queue and sandbox, started as `make run` starts them."""
