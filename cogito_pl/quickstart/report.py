from pathlib import Path
def write_report(settings, summary, answers, commands):
    return settings.run / "report.html"
