"""Reference data of disposal as text files: deadline rules and playbooks, dated and cited."""
