"""The member: state and evolve in `state`, one file of decisions for each kind of act."""
