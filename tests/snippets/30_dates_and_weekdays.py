# Calculate with fixed dates and print a month.
import calendar
from datetime import date, datetime, timedelta, timezone

start = date(2020, 2, 24)
for week in range(3):
    day = start + timedelta(weeks=week)
    print(day.isoformat(), day.strftime("%A"), "day", day.timetuple().tm_yday)

birthday = date(1990, 12, 31)
today = date(2021, 1, 1)
age = today.year - birthday.year - ((today.month, today.day) < (birthday.month, birthday.day))
print("age:", age, "days alive:", (today - birthday).days)

meeting = datetime(2021, 6, 1, 14, 30, tzinfo=timezone(timedelta(hours=2)))
print(meeting.isoformat(), "is", meeting.astimezone(timezone.utc).strftime("%H:%M UTC"))
print(datetime.strptime("17/08/2019 23:59", "%d/%m/%Y %H:%M") + timedelta(minutes=1))
print("unix time:", int(meeting.timestamp()))

fridays = [date(2021, month, 13) for month in range(1, 13) if date(2021, month, 13).weekday() == 4]
print("Friday 13th in 2021:", [str(day) for day in fridays])
print("leap years:", [year for year in range(1896, 1913) if calendar.isleap(year)])
print(calendar.TextCalendar(firstweekday=0).formatmonth(2024, 2))
