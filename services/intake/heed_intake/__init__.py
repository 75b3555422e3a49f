"""Intake (信息登记): registers what citizens write and tells them how it goes on."""
