"""What Syrinx reaches: ``python -m bench`` prints one table, each row beside a yardstick from the same run."""
