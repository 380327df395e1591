"""Ask routes whether they work: build the request, judge the answer, climb the ladder, sweep, monitor."""
