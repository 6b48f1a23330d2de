"""The pharmacy counter: stock by lot, dispensing, goods received."""
