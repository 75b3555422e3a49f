"""The whole job once through, on a simulated city or on a user's own file, replayed day by day."""
